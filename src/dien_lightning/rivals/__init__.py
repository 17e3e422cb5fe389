"""The methods that Table II compares DIEN with, each on this library's data, network and evaluation.

Nothing else in the library imports this room. Each rival has a folder and imports no other's, so that one can be
deleted without breaking another; nothing is re-exported here.
"""
