"""A Milvus server: collections, rows and searches, and its errors in words."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Any

import grpc
from pymilvus import DataType, MilvusClient
from pymilvus.exceptions import MilvusException

from msinet.errors import BusyError, FileError

logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # Its errors become ours, which say what to do.

TIMEOUT = 60.0
"""Seconds that an answer may take."""

PAGE = 4_096
"""Rows that are read or written at a time: Milvus sends at most 16,384 rows and 64 MB, which are 21,000 vectors of 768."""

CONNECTIONS = 3
"""How often a connection is tried that gRPC shares with earlier ones and that the server closes just then."""

CLOSED = "Too many pings"
"""What the server says when it closes such a connection."""

STRONG = "Strong"

TYPES = {
    "int": DataType.INT64,
    "text": DataType.VARCHAR,
    "double": DataType.DOUBLE,
    "bool": DataType.BOOL,
    "json": DataType.JSON,
}

GONE = 100
"""Milvus's number of the error that there is no such collection."""

Row = dict[str, Any]


class MilvusServer:
    """A connection to Milvus, used by any number of threads.

    Args:
        address: HOST:PORT.
        token: user:password, or nothing.
        consistency: of reads that ask for none.

    Raises:
        FileError: it cannot be reached.
    """

    def __init__(self, address: str, token: str = "", consistency: str = STRONG) -> None:
        self.address, self.consistency = address, consistency
        with self._explained():
            self.client: Any = self._connect(token)

    def _connect(self, token: str, tries: int = CONNECTIONS) -> MilvusClient:
        try:
            return MilvusClient(f"http://{self.address}", token=token, timeout=10, dedicated=True)
        except MilvusException as error:
            if tries == 1 or CLOSED not in str(error.__cause__):
                raise
            return self._connect(token, tries - 1)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the errors of Milvus into those of msinet."""
        try:
            yield
        except grpc.RpcError as error:
            raise self._unreachable() from error
        except MilvusException as error:
            if isinstance(error.code, grpc.StatusCode) or "Fail connecting" in error.message:
                raise self._unreachable() from error
            if "imeout" in error.message or "deadline" in error.message.lower():
                raise BusyError(f"Milvus at {self.address} has not answered in time: try again later") from error
            if error.code == GONE:
                raise FileError(f"the gallery is no longer in Milvus at {self.address} ({error.message})") from error
            raise FileError(f"Milvus at {self.address} refuses: {error.message}") from error

    def _unreachable(self) -> FileError:
        return FileError(f"cannot reach Milvus at {self.address}: start it, or look at the address and the network")

    def has(self, collection: str) -> bool:
        """Return whether there is a collection."""
        with self._explained():
            return self.client.has_collection(collection, timeout=TIMEOUT)

    def create(
        self,
        collection: str,
        columns: Mapping[str, tuple[str, int]],
        dim: int,
        index: str,
        filtered: Sequence[str],
        **more: Any,
    ) -> None:
        """Make a collection and load it.

        Args:
            collection: its name.
            columns: type of each column, and its greatest length in bytes where it is text. The first is the primary key.
            dim: length of the vectors.
            index: of the vectors.
            filtered: columns that filters look at.
            more: partition_key and num_partitions.
        """
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        for place, (name, (kind, length)) in enumerate(columns.items()):
            given = {"max_length": length} if kind == "text" else {}
            given |= {"is_partition_key": True} if name == more.get("partition_key") else {}
            schema.add_field(name, TYPES[kind], is_primary=place == 0, **given)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
        partitions = {"num_partitions": more["num_partitions"]} if more else {}
        with self._explained():
            self.client.create_collection(collection, schema=schema, consistency_level=STRONG, **partitions)
            self._index(collection, "vector", index_type=index, metric_type="IP")
            for name in filtered:
                with suppress(MilvusException):  # Milvus before 2.4 has no such index: its filters look at each row.
                    self._index(collection, name, index_type="INVERTED")
        self.load(collection)

    def _index(self, collection: str, column: str, **given: str) -> None:
        index = MilvusClient.prepare_index_params()
        index.add_index(column, **given)
        self.client.create_index(collection, index, timeout=TIMEOUT, sync=False)

    def load(self, collection: str) -> None:
        """Load a collection into memory, where it is not, and wait for it."""
        with self._explained():
            self.client.load_collection(collection, timeout=TIMEOUT, _async=True)
            end = monotonic() + TIMEOUT
            while self.client.get_load_state(collection)["state"].name != "Loaded":
                if monotonic() > end:
                    raise BusyError(f"Milvus at {self.address} is still loading {collection}: try again later")
                sleep(0.02)

    def drop(self, collection: str) -> None:
        """Remove a collection, where it is there."""
        with self._explained():
            self.client.drop_collection(collection, timeout=TIMEOUT)

    def length_of_vectors(self, collection: str) -> int:
        """Return the length of a collection's vectors."""
        with self._explained():
            fields = self.client.describe_collection(collection, timeout=TIMEOUT)["fields"]
        return next(int(field["params"]["dim"]) for field in fields if field["name"] == "vector")

    def rows(self, collection: str, where: str, columns: Sequence[str], limit: int = 0, level: str = "") -> list[Row]:
        """Return rows for which an expression holds, in any order.

        Args:
            collection: its name.
            where: the expression.
            columns: what is wanted of each row.
            limit: number of rows; 0 is as many as Milvus sends.
            level: consistency; that of the server by default.
        """
        with self._explained():
            return list(
                self.client.query(
                    collection,
                    filter=where,
                    output_fields=list(columns),
                    limit=limit or 4 * PAGE,
                    timeout=TIMEOUT,
                    consistency_level=level or self.consistency,
                )
            )

    def count(self, collection: str, where: str = "", level: str = "") -> int:
        """Return the number of rows for which an expression holds; all without one."""
        with self._explained():
            rows = self.client.query(
                collection,
                filter=where,
                output_fields=["count(*)"],
                timeout=TIMEOUT,
                consistency_level=level or self.consistency,
            )
        return int(rows[0]["count(*)"])

    def pages(
        self, collection: str, column: str, last: int, where: str, columns: Sequence[str], after: int = 0, size: int = PAGE
    ) -> Iterator[list[Row]]:
        """Yield all rows, sorted by a number from 1 on, some thousands at a time.

        Milvus sorts no rows. A range of numbers is asked for, so narrow that all of its rows are sent, and wider where
        few are there.

        Args:
            collection: its name.
            column: the number.
            last: the greatest one.
            where: an expression that holds for the rows; nothing for all.
            columns: what is wanted of each row, the number among it.
            after: the number before the first.
            size: greatest number of rows in a page.
        """
        width = size
        while after < last:
            within = f"{column} > {after} and {column} <= {after + width}"
            rows = self.rows(collection, f"{within} and {where}" if where else within, columns, size + 1)
            if len(rows) > size and width > 1:
                width = max(1, width // 4)
                continue
            if rows:
                yield sorted(rows, key=lambda row: row[column])
            after += width
            width = 4 * width if 4 * len(rows) < size else width

    def search(self, collection: str, query: Any, count: int, where: str, columns: Sequence[str]) -> list[Row]:
        """Return the rows whose vectors are likely nearest to a query, the nearest first.

        Args:
            collection: its name.
            query: (D,) float32.
            count: number of rows, at most 16,384.
            where: an expression that holds for the rows; nothing for all.
            columns: what is wanted of each row.
        """
        with self._explained():
            found = self.client.search(
                collection,
                [query],
                filter=where,
                limit=count,
                output_fields=list(columns),
                timeout=TIMEOUT,
                consistency_level=self.consistency,
            )
        return [hit["entity"] for hit in found[0]]

    def insert(self, collection: str, rows: Sequence[Row], timeout: float = TIMEOUT) -> None:
        """Write new rows."""
        self._write(self.client.insert, collection, rows, timeout)

    def upsert(self, collection: str, rows: Sequence[Row], timeout: float = TIMEOUT) -> None:
        """Write rows in place of those with their keys."""
        self._write(self.client.upsert, collection, rows, timeout)

    def _write(self, write: Callable[..., Any], collection: str, rows: Sequence[Row], timeout: float) -> None:
        for start in range(0, len(rows), PAGE):
            with self._explained():
                write(collection, list(rows[start : start + PAGE]), timeout=timeout)

    def delete(self, collection: str, keys: Sequence[Any], timeout: float = TIMEOUT) -> None:
        """Remove rows by their primary keys."""
        for start in range(0, len(keys), PAGE):
            with self._explained():
                self.client.delete(collection, ids=list(keys[start : start + PAGE]), timeout=timeout)

    def settle(self, collection: str) -> None:
        """Wait until queries see all that was written."""
        self.count(collection, level=STRONG)

    def compact(self, collection: str) -> None:
        """Ask for the files to be merged without the removed rows, which Milvus does in its time."""
        with self._explained():
            self.client.flush(collection, timeout=TIMEOUT)
            self.client.compact(collection, timeout=TIMEOUT)
