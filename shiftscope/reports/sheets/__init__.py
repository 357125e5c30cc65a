"""What each command says to people, a file a command, before it is known how it is drawn.

In: one frozen document. Out: a `Sheet`, lines and tables of text, the most important first.
"""
