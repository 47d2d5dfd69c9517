class Documents:
    def delete(self, user, document):
        assert user.has_permission("delete", document), "not allowed"
        assert not document.is_owner_only or user is document.author
        document.delete()
