"""What coordinator and site send each other: signed documents that check themselves when they are built."""
