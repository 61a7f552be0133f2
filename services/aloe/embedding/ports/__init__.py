"""What the service needs from outside: encoders, a shared cache, somewhere to tell metrics."""
