"""Networks as files that runtimes read: written and checked by `export`, read by `Predictor`, which needs no torch."""
