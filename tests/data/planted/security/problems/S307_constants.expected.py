import ast
import re

LIMITS = ast.literal_eval("{'low': 1, 'high': (10, -20)}")
PATTERN = re.compile("a+")
