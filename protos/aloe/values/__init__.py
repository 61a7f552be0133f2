"""What both ends say in the same words: strategies, recipes, stopping rules, states. Pure values.

A member of an enum here is called as on the wire, less the enum's prefix; a kind of recipe or rule
is called as its field of the message's oneof. Nothing else says these names and defaults again.
"""
