"""What runs: Flower's commands as a federation needs them, unit files, pages, registrations, and the door."""
