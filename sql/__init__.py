"""SQL statements by subject. A plug-in adds its own in a folder `sql/` on the import path."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
