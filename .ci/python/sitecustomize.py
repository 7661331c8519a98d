"""Makes Milvus Lite safe for concurrent requests, which Milvus allows. Without this, simultaneous first requests open a collection several
times, and only one of the copies is kept. Simultaneous writes damage its log. In both cases Milvus Lite loses acknowledged data."""
import functools
import importlib.util
import threading


def one_at_a_time(owner, *names):
    lock = threading.RLock()

    def locked(work):
        @functools.wraps(work)
        def call(*args, **options):
            with lock:
                return work(*args, **options)

        return call

    for name in names:
        setattr(owner, name, locked(getattr(owner, name)))


# Other Python programs load this file as well, so check that Milvus Lite is installed.
if importlib.util.find_spec("milvus_lite"):
    from milvus_lite.db import MilvusLite
    from milvus_lite.engine.collection import Collection

    one_at_a_time(MilvusLite, "get_collection", "create_collection", "drop_collection")
    one_at_a_time(Collection, "insert", "upsert", "delete", "flush")
