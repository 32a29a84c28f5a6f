"""Names of the files of trained networks; no torch in here."""

ENCODER_FILE = "encoder.safetensors"
UNET_FILE = "unet.safetensors"
