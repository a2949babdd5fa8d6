"""What the topics say, in SQL, for whoever looks: projection, queries, statements. No page and no web framework."""
