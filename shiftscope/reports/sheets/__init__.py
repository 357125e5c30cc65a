"""What each command says to people, a file a command, before it is known how it is drawn.

In: one frozen document. Out: a `Sheet`, lines and tables of text, the most important first. Without `verbose` it fits
on one screen of 24 lines and 80 columns, names the next step and says what is left out; with it, it holds everything
that the document says for people.
"""
