"""Between messages and Python values, at both ends: names, arrays, enums, settings, errors."""
