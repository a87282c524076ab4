"""The landing zone: bytes as received, in immutable batches with manifests.

A batch is a folder `<source>/<stream>/<day>/<batch id>/` that holds `pages.gz` (one gzip
member a page, so `zcat` reads it) and `manifest.json`, written last. A batch without its
manifest does not exist. Cursors are read from the newest manifests, and from nowhere else.
"""

from oms_pipelines.landing.manifest import Cursor, Manifest, PageEntry, Purpose
from oms_pipelines.landing.places import Folder, Place
from oms_pipelines.landing.writer import Writer
from oms_pipelines.landing.zone import Landing

__all__ = [
    "Cursor",
    "Folder",
    "Landing",
    "Manifest",
    "PageEntry",
    "Place",
    "Purpose",
    "Writer",
]
