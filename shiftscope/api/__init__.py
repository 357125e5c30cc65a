"""The public functions, one for each command: plain options in, frozen documents out.

In: paths, arrays as a `Site`, or documents that were read already. Out: documents with `to_dict`, `to_dataframe` and a
drawing for notebooks. Progress is a callback (`progress.Report`), messages go to the logger "shiftscope", errors are
`errors.ShiftscopeError`. The package's root exports what is frozen; the command line calls nothing below this room.
"""
