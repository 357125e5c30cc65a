"""What a site lets out, whoever asks.

In: an order that the site opened, its owner's policy, a question and what the site would answer. Out: what leaves,
field by field allowed, suppressed or refused by the name of a rule, with an entry in the site's own log. Nothing here
knows how messages travel.
"""
