"""Trains, measures and exports the networks that obscura ships."""

CATEGORIES = {1: "person", 2: "vehicle", 3: "face", 4: "license-plate"}   # COCO-form category ids of all our sets
PERSON, VEHICLE, FACE, PLATE = 1, 2, 3, 4

# The types each network finds: category ids in class order.
TASKS = {"identity": (FACE, PLATE), "scene": (PERSON, VEHICLE)}

# Pixels v in 0..255 enter a network as (v - MEAN) * SCALE; what lies outside the picture is PAD.
MEAN, SCALE, PAD = 127.5, 1 / 64, 114
