"""The methods of the learner's client, by what they are about."""
