class Documents:
    def delete(self, user, document):
        if not user.has_permission("delete", document):
            raise AssertionError("not allowed")
        if not (not document.is_owner_only or user is document.author):
            raise AssertionError
        document.delete()
