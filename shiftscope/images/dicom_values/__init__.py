"""Stored DICOM samples as physical values.

In: an open data set. Out: `pixels.physical -> Pixels`: decoded, rescaled, more is brighter, padding marked.
"""
