"""Social relief (智慧救助): who is entitled to what, to the fen and to the clause."""
