"""What a person calls each axis and measure; their keys stand in documents."""

__all__ = ["PLAIN_NAMES", "plain_name"]

PLAIN_NAMES: dict[str, str] = {
    # axes
    "intensity": "brightness of the image",
    "intensity_outside": "brightness outside the lesion",
    "colour": "colour",
    "texture": "sharpness and texture",
    "noise": "noise",
    "layout": "layout of the image",
    "lesion": "surroundings of the lesion",
    "features_shallow": "fine structure",
    "features_deep": "coarse structure",
    "zscore_shallow": "fine structure after z-scores",
    "zscore_deep": "coarse structure after z-scores",
    "quantile_map_shallow": "fine structure after quantile maps",
    "quantile_map_deep": "coarse structure after quantile maps",
    "polarity_shallow": "fine structure of the negative",
    "polarity_deep": "coarse structure of the negative",
    "canonical_shallow": "fine structure after the public map",
    "canonical_deep": "coarse structure after the public map",
    "morphology": "size, shape and place of lesions",
    "morphology_3d": "size, shape and place of lesions in 3-D",
    "boundary": "how contours lie on edges",
    "labels": "class prevalence",
    "class_contrast": "how classes lie apart",
    # measures of appearance
    "brightness": "mean brightness",
    "brightness_outside": "mean brightness outside the lesion",
    "contrast": "contrast",
    "sharpness": "sharpness",
    "local_contrast": "local contrast",
    "bias_field": "uneven illumination",
    "snr": "signal-to-noise ratio",
    "redness": "redness",
    "blueness": "blueness",
    "saturation": "saturation of colours",
    # measures of lesions
    "log_area": "lesion area",
    "log_area_mm2": "lesion area in mm2",
    "log_volume": "lesion volume",
    "log_volume_mm3": "lesion volume in mm3",
    "components": "pieces of a mask",
    "components_3d": "pieces of a mask in 3-D",
    "eccentricity": "eccentricity of the lesion",
    "elongation": "elongation of the lesion",
    "flatness": "flatness of the lesion",
    "solidity": "solidity of the lesion",
    "solidity_3d": "solidity of the lesion in 3-D",
    "compactness": "compactness of the lesion",
    "sphericity": "sphericity of the lesion",
    "extent": "extent of the lesion in its box",
    "extent_3d": "extent of the lesion in its box in 3-D",
    "centroid_y": "vertical place of the lesion",
    "centroid_x": "horizontal place of the lesion",
    "centroid_z_3d": "place of the lesion along z",
    "centroid_y_3d": "place of the lesion along y",
    "centroid_x_3d": "place of the lesion along x",
    "empty": "empty masks",
    # measures of annotation
    "offset": "distance from contour to edge",
    "offset_relative": "relative distance from contour to edge",
    "offset_spread": "unsteadiness of the contour",
    "roughness": "roughness of the contour",
    "polygonality": "straight runs in the contour",
    "holes": "holes in masks",
}
"""Key of an axis or a measure -> its name in a sentence or a table. "noise" is an axis and its measure."""


def plain_name(key: str) -> str:
    """The name of an axis or a measure; the key itself where it is neither."""
    return PLAIN_NAMES.get(key, key)
