"""What a request lacks: facts, neighbours, pictures of other people, general questions."""
