"""What a training loop wants around the network: batches of data, and files."""

from tinyact.utils import data as data
