"""Speech recognition: the language part of a recogniser (`language`), and how its model is made (`training`)."""
