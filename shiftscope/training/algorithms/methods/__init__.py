"""What methods do that FedAvg does not: a file each, a function or two for one line of `personalize`."""
