from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from losses_support import FakeRecognizer, random_fit, random_latents

from focsbench.errors import ConfigError
from focsbench.focs.losses import reconstruction_loss, segmentation_loss
from focsbench.focs.presets import PRESETS

CONFIGS = {name: make() for name, make in PRESETS.items()}


def example(seed=0):
    """A photograph, its landmarks, and a decoded fit with gradients on everything R made."""
    fit = random_fit(seed)
    decoded = SimpleNamespace(
        image=fit.render.requires_grad_(),
        region=fit.region,
        landmarks=torch.rand(2, 68, 2, dtype=torch.float64, requires_grad=True),
        latents=random_latents(seed),
    )
    landmarks = torch.rand(2, 68, 2, dtype=torch.float64)
    return fit.target, landmarks, decoded, fit.mask.requires_grad_()


@pytest.mark.parametrize("name", PRESETS)
def test_totals_are_the_weighted_sums_of_the_terms(name):
    config = CONFIGS[name]
    images, landmarks, decoded, mask = example()
    loss = reconstruction_loss(
        config.reconstruction, images, landmarks, decoded, mask, FakeRecognizer()
    )
    expected = sum(
        getattr(config.reconstruction, f"lambda_{term}") * float(value)
        for term, value in loss.terms.items()
    )
    assert float(loss.total.detach()) == pytest.approx(expected)
    assert set(loss.terms) >= {"pixel", "perceptual", "landmark", "regularisation"}
    assert ("area" in loss.terms) == (name == "released")
    loss = segmentation_loss(
        config.segmentation, images, landmarks, decoded, mask, FakeRecognizer()
    )
    expected = sum(
        getattr(config.segmentation, f"eta_{term}") * float(value)
        for term, value in loss.terms.items()
    )
    assert float(loss.total.detach()) == pytest.approx(expected)
    assert set(loss.terms) == {"neighbour", "dist", "area", "presv", "bin"}


@pytest.mark.parametrize(
    ("name", "reaches"), [("paper", False), ("quick", False), ("released", True)]
)
def test_only_the_released_autoencoder_can_move_the_mask(name, reaches):
    images, landmarks, decoded, mask = example()
    config = CONFIGS[name].reconstruction
    loss = reconstruction_loss(config, images, landmarks, decoded, mask, FakeRecognizer())
    loss.total.backward()
    assert (mask.grad is not None) == reaches
    for made_by_r in (decoded.image, decoded.landmarks, decoded.latents.identity):
        assert made_by_r.grad.abs().sum() > 0


@pytest.mark.parametrize("name", PRESETS)
def test_masked_out_pixels_do_not_pull_on_the_render(name):
    """With neither perceptual term nor mask gradient, occluders cannot deform the face."""
    images, landmarks, decoded, mask = example()
    config = CONFIGS[name].reconstruction.model_copy(update={"lambda_perceptual": 0.0})
    hidden = mask.detach() * (mask.detach() > 0.5)
    reconstruction_loss(config, images, landmarks, decoded, hidden, None).total.backward()
    pulled = decoded.image.grad.abs().sum(dim=1) > 0
    assert torch.equal(pulled, hidden > 0)


def test_the_perceptual_target_has_no_gradient_and_the_render_has():
    images, landmarks, decoded, mask = example()
    images = images.requires_grad_()
    config = CONFIGS["paper"].reconstruction.model_copy(update={"lambda_pixel": 0.0})
    loss = reconstruction_loss(config, images, landmarks, decoded, mask, FakeRecognizer())
    loss.total.backward()
    assert images.grad is None
    assert decoded.image.grad is not None


def test_the_recognizer_sees_each_image_with_its_own_landmarks():
    images, landmarks, decoded, mask = example()
    recognizer = FakeRecognizer()
    config = CONFIGS["paper"]
    segmentation_loss(config.segmentation, images, landmarks, decoded, mask, recognizer)
    (masked, first), (rendered, second), (whole, third) = recognizer.seen
    assert first is landmarks
    assert second is decoded.landmarks
    assert third is landmarks
    torch.testing.assert_close(masked, images * mask[:, None].detach())
    torch.testing.assert_close(rendered, (decoded.image * mask[:, None]).detach())
    assert torch.equal(whole, images)


def test_before_joint_training_the_likelihood_may_replace_the_pixel_loss():
    images, landmarks, decoded, mask = example()
    config = CONFIGS["released"]
    loss = reconstruction_loss(
        config.reconstruction,
        images,
        landmarks,
        decoded,
        (mask.detach() > 0.5).double(),
        FakeRecognizer(),
        config.initialisation,
    )
    assert set(loss.terms) == {"pixel", "perceptual", "landmark", "regularisation"}
    plain = reconstruction_loss(
        config.reconstruction, images, landmarks, decoded, mask, FakeRecognizer()
    )
    assert loss.terms["pixel"] != plain.terms["pixel"]


def test_quick_needs_no_recognition_network_before_joint_training():
    images, landmarks, decoded, mask = example()
    config = CONFIGS["quick"]
    arguments = (config.reconstruction, images, landmarks, decoded, mask, None)
    assert "perceptual" not in reconstruction_loss(*arguments, config.initialisation).terms
    with pytest.raises(ConfigError, match=r"set recognition\.weights"):
        reconstruction_loss(*arguments)


def test_terms_without_weight_are_not_computed():
    images, landmarks, decoded, mask = example()
    ablation = CONFIGS["quick"].segmentation.model_copy(
        update={"eta_dist": 0.0, "eta_presv": 0.0, "eta_neighbour": 0.0}
    )
    loss = segmentation_loss(ablation, images, landmarks, decoded, mask, None)
    assert set(loss.terms) == {"area", "bin"}


def test_pixel_and_area_balance_at_their_ratio():
    """Eq. 3 keeps exactly the pixels whose error is below eta3 / eta1 (the role of xi)."""
    config = CONFIGS["paper"].segmentation.model_copy(
        update={"eta_dist": 0.0, "eta_presv": 0.0, "eta_bin": 0.0, "neighbour_window": 1}
    )
    images, landmarks, decoded, mask = example()
    images = decoded.image.detach() + 0.15 * torch.randn(images.shape, dtype=torch.float64)
    segmentation_loss(config, images, landmarks, decoded, mask, None).total.backward()
    error = (images - decoded.image.detach()).square().sum(dim=1)
    wanted = mask.grad < 0  # growing the mask lowers the loss
    assert torch.equal(wanted, (error < 0.5 / 15) & decoded.region)
