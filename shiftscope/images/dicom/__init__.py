"""DICOM files and series as images: which files are images, which slices make a volume, in what order.

In: paths of one image. Out: `dicom_image.read_dicom -> Image`; `headers.read_header` for whoever groups files.
Values of samples are made in `dicom_values`.
"""
