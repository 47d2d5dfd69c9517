import re

LIMITS = eval("{'low': 1, 'high': (10, -20)}")
PATTERN = re.compile("a+")
