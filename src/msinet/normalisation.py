"""Mean and standard deviation that pixels are normalised by: what batches apply and a model's card states."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of red, green and blue, from 0 to 1: those of ImageNet, the field's custom."""
