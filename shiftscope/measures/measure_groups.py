"""Groups of measures that one cause changes together."""

__all__ = ["CAUSES"]

CAUSES: dict[str, dict[str, tuple[str, ...]]] = {
    "appearance": {
        "brightness and contrast": ("brightness", "brightness_outside", "contrast"),
        "fine detail": ("noise", "snr", "sharpness", "local_contrast"),
        "uneven illumination": ("bias_field",),
        "colour balance": ("redness", "blueness", "saturation"),
    },
    "structure": {
        "lesion size": ("log_area", "log_area_mm2", "log_volume", "log_volume_mm3"),
        "lesion shape": (
            *("eccentricity", "solidity", "compactness", "extent"),
            *("elongation", "flatness", "solidity_3d", "sphericity", "extent_3d"),
        ),
        "lesion place": ("centroid_y", "centroid_x", "centroid_z_3d", "centroid_y_3d", "centroid_x_3d"),
        "number of lesions": ("components", "components_3d"),
    },
    "annotation": {
        "contour habit": ("offset", "offset_relative"),
        "contour line": ("roughness", "polygonality", "offset_spread"),
        "holes in masks": ("holes",),
    },
}
"""Question -> cause -> the measures that it changes together. Every published measure belongs to one cause."""
