"""Files of embeddings, ours or others': .npz, Parquet or CSV, with a vector and labels for each image."""

from msinet.data.embedding_files.matching import of_dataset
from msinet.data.embedding_files.reading import load_embeddings, load_vectors
from msinet.data.embedding_files.writing import require_writable, save_embeddings, split_words

__all__ = ["load_embeddings", "load_vectors", "of_dataset", "require_writable", "save_embeddings", "split_words"]
