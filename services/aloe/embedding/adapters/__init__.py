"""Encoders behind the port; the only modules that import TensorFlow."""
