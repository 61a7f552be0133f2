"""The RPCs of LearnerService, by what they are about: convert, call, convert."""
