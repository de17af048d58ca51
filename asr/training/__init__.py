"""Makes the bundled acoustic model, from texts to an evaluated folder that Vosk loads: `make asr-model`."""
