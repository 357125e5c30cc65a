"""From a site's cases to patients, in one streaming pass.

In: cases. Out: `patient_stream.patients_of`, one measured patient after the other: decoded ahead, measured by the
batch, averaged over slices and cases. Copies of one person's pictures are found on the way.
"""
