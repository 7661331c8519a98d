"""Milvus Lite for tests that ask many things at once, as one may ask Milvus. It opens a collection once for each of the first requests that
come together, and keeps one of them; and what several write at once spoils its log. Either way what it acknowledged is gone later."""
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


# Other programs in Python start with this as well.
if importlib.util.find_spec("milvus_lite"):
    from milvus_lite.db import MilvusLite
    from milvus_lite.engine.collection import Collection

    one_at_a_time(MilvusLite, "get_collection", "create_collection", "drop_collection")
    one_at_a_time(Collection, "insert", "upsert", "delete", "flush")
