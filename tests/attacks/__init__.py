"""Hostile files, made when they are needed: large ones take no room in the repository.

``ATTACKS`` lists them; an attack says which file it writes and which reader gets it.
"""

from attacks import arrays, images, meshes, networks, texts, weights
from attacks.attack import Attack

ATTACKS: dict[str, Attack] = {
    attack.name: attack
    for family in (meshes, images, arrays, texts, weights, networks)
    for attack in family.ATTACKS
}
