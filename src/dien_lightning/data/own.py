"""Images of your own: a folder of crops, or a table that lists them."""

from dien_lightning.data.folders import read_folder
from dien_lightning.data.tables import read_table

OWN = {
    "folder": "a folder of images: any, for a target; one sub-folder per identity, for a source",
    "csv": "a table with the columns path, pid, camid, split",
}

__all__ = ["OWN", "read_folder", "read_table"]
