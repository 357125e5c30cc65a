"""Synthetic patients whose shift is known because it was planted.

In: a seed. Out: images with masks from `ANATOMIES`, changed by `PLANTS` as another scanner, population or annotator
would have done; `FEDERATIONS` of sites with the verdict they deserve; the files of a hospital (`write_site`), or of the
demo's four (`demo_hospitals`). `partition` divides real patients into sites; `sample` draws a varied public corpus.
"""

from shiftscope.phantoms.anatomies import ANATOMIES
from shiftscope.phantoms.bad_files import BAD_FILES, GOOD_FILES, LITTER, break_site
from shiftscope.phantoms.dicoms import SCANNERS, Scanner, write_dicom
from shiftscope.phantoms.folders import FORMATS, LAYOUTS, write_site
from shiftscope.phantoms.hospitals import DEMO, demo_hospitals
from shiftscope.phantoms.partitions import class_partition, partition
from shiftscope.phantoms.phantom import Phantom
from shiftscope.phantoms.phantom_files import write_mask, write_nifti, write_png
from shiftscope.phantoms.planted_federations import (
    FEDERATIONS,
    Hospital,
    PlantedFederation,
    draw_hospital,
    write_federation,
)
from shiftscope.phantoms.plants import ANNOTATION, APPEARANCE, PLANTS, SIGNED, STRUCTURE, Plant
from shiftscope.phantoms.samples import sample

__all__ = [
    "ANATOMIES",
    "ANNOTATION",
    "APPEARANCE",
    "BAD_FILES",
    "DEMO",
    "FEDERATIONS",
    "FORMATS",
    "GOOD_FILES",
    "LAYOUTS",
    "LITTER",
    "PLANTS",
    "SCANNERS",
    "SIGNED",
    "STRUCTURE",
    "Hospital",
    "Phantom",
    "Plant",
    "PlantedFederation",
    "Scanner",
    "break_site",
    "class_partition",
    "demo_hospitals",
    "draw_hospital",
    "partition",
    "sample",
    "write_dicom",
    "write_federation",
    "write_mask",
    "write_nifti",
    "write_png",
    "write_site",
]
