"""What stands behind the ports: encoders in TensorFlow, a cache in Redis, metrics in Prometheus."""
