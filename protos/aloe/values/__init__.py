"""Values that client and server share: query strategies, head recipes, stopping rules, states.

A member of an enum has its name on the wire, less the enum's prefix; a kind of recipe or rule has
the name of its field in the message's oneof. No other Python code repeats these names and defaults.
"""
