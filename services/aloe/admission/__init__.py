"""How much work a process takes in, and whose turn it is: bounds, before any work is done."""
