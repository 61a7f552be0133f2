"""What the service needs from outside: encoders, a shared cache, somebody who listens."""
