"""Hostile files, made when they are needed: large ones take no room in the repository.

``ATTACKS`` lists them; an attack says which file it writes and which reader gets it.
"""

from attacks import arrays, folders, images, meshes, models, networks, texts, weights
from attacks.case import Case

ATTACKS: dict[str, Case] = {
    attack.name: attack
    for family in (meshes, images, arrays, texts, weights, networks, models, folders)
    for attack in family.ATTACKS
}
