"""Methods side by side: a recipe becomes cells, cells become scores, scores become one table."""
