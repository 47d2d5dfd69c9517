"""code_quality: findings of linters, and fixes of them that keep behaviour."""
