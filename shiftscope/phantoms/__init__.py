"""Synthetic patients whose shift is known because it was planted.

In: an anatomy (`ANATOMIES`), a plant (`PLANTS`: what another scanner, population or annotator changes), its severity,
and a random generator. Out: a `Phantom`, the folders of a hospital (`write_site`), `FEDERATIONS` with the verdict that
they deserve, and real patients divided into sites that differ (`partition`).
"""

from shiftscope.phantoms.anatomies import ANATOMIES
from shiftscope.phantoms.bad_files import BAD_FILES, GOOD_FILES, LITTER, break_site
from shiftscope.phantoms.dicoms import SCANNERS, Scanner, write_dicom
from shiftscope.phantoms.federations import FEDERATIONS, Hospital, PlantedFederation, draw_hospital, write_federation
from shiftscope.phantoms.folders import FORMATS, LAYOUTS, write_site
from shiftscope.phantoms.hospitals import DEMO, demo_hospitals
from shiftscope.phantoms.partitions import class_partition, partition
from shiftscope.phantoms.phantom import Phantom
from shiftscope.phantoms.phantom_files import write_mask, write_nifti, write_png
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
