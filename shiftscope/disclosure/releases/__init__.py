"""What left a site: each message as bytes, and the log of all of them.

In: what the gate lets out or keeps. Out: entries chained by their hashes, from which every message can be had again
byte for byte, and what is wrong with a log that was changed.
"""
