"""Unpacks the files of a wheel that match a pattern of the first list and none of the second.

    python3 unpack.py WHEEL FOLDER 'keep,keep' 'skip,skip'
"""

import sys
import zipfile
from fnmatch import fnmatch

wheel, folder, keep, skip = sys.argv[1:]


def matches(name, patterns):
    return any(fnmatch(name, pattern) for pattern in patterns.split(","))


try:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if matches(name, keep) and not matches(name, skip):
                archive.extract(name, folder)
except (OSError, zipfile.BadZipFile) as error:
    sys.exit(f"error: {wheel} could not be unpacked: {error}")
