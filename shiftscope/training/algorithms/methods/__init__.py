"""What methods do that FedAvg does not: a file each, named after the method or after what it keeps or trains apart.

In: a model and a site's `Round`; for a server's part, what is shared and the sites' updates. Out: the functions that
one line of `families` puts together. `twins` is the second model that several of them keep at a site.
"""
