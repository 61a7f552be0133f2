"""From a clip as it is sent to the samples that the encoder hears."""
